module beseda.example/recipe

go 1.19
