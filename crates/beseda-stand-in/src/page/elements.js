// Making and finding elements. Text always goes in as text: what buyers write is never read as HTML.

export const find = (id) => document.getElementById(id);

/** An element with attributes and children; strings become text. */
export function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(key, value);
    else if (value !== undefined && value !== false) element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== undefined));
  return element;
}

/** Puts children in the place of all there are, unless they are the same: the focus stays where it is. */
export function fill(parent, children) {
  const same = parent.children.length === children.length && children.every((child, i) => child.isEqualNode(parent.children[i]));
  if (!same) parent.replaceChildren(...children);
  return !same;
}

/** Runs what a click or a form asks for, and shows its failure. */
export async function attempt(work) {
  const trouble = find("trouble");
  try {
    const result = await work();
    trouble.textContent = "";
    return result;
  } catch (error) {
    trouble.textContent = error.message;
    return undefined;
  }
}

/** A form that does `work` in place of being sent anywhere. */
export function onSubmit(id, work) {
  find(id).addEventListener("submit", (event) => {
    event.preventDefault();
    attempt(work);
  });
}

export function onClick(id, work) {
  find(id).addEventListener("click", () => attempt(work));
}
