for (const code of document.querySelectorAll("code.curl")) {
  code.textContent = code.textContent.replace("$BESEDA_URL", location.origin);
  const button = document.createElement("button");
  button.textContent = "Copy";
  button.addEventListener("click", () => navigator.clipboard.writeText(code.textContent));
  code.parentElement.after(button);
}
