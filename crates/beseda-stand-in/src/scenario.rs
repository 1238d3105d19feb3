//! Actors who write, send files and dispute by a script. Reading and running the scripts stands in the modules below.
