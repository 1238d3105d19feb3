const choice = document.getElementById("document");
const source = document.getElementById("source");
if (matchMedia("(prefers-color-scheme: dark)").matches) {
  document.documentElement.classList.add("dark-mode");
}

// One document has both generations of the published API; each is shown on its own.
function only(spec, generation) {
  if (generation) {
    const paths = Object.entries(spec.paths);
    const shown = paths.filter(([path]) => path.startsWith("/v2/") === (generation === "2026"));
    spec.paths = Object.fromEntries(shown);
  }
  // Requests go to the server of this page anyway.
  delete spec.servers;
  return spec;
}

async function show() {
  const [url, generation] = choice.value.split("#");
  source.href = url;
  const response = await fetch(url);
  const spec = only(await response.json(), generation);
  // A viewer keeps its element, so each document gets one of its own.
  const viewer = document.createElement("div");
  document.getElementById("viewer").replaceChildren(viewer);
  SwaggerUIBundle({
    spec,
    domNode: viewer,
    docExpansion: "list",
    defaultModelsExpandDepth: 0,
    validatorUrl: null,
  });
}

choice.addEventListener("change", show);
show();
