// The few DOM operations that the views need. Data becomes text nodes and attributes, never markup.

const kSvg = 'http://www.w3.org/2000/svg';

export function element(tag, attributes, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

export function svg_element(tag, attributes, ...children) {
  return fill(document.createElementNS(kSvg, tag), attributes, children);
}

// Leaves the node alone when it says so already, so that a screen reader is told of changes only.
export function set_text(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export function set_attribute(node, name, value) {
  if (node.getAttribute(name) !== value) node.setAttribute(name, value);
}

// Makes `children` the children of `parent`, moving only what is out of place.
export function set_children(parent, children) {
  children.forEach((child, index) => {
    const there = parent.children[index] ?? null;
    if (there !== child) parent.insertBefore(child, there);
  });
  while (parent.children.length > children.length) parent.lastElementChild.remove();
}

export function by_id(id) {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no element #${id}`);
  return found;
}

export function motion_is_welcome() {
  return !window.matchMedia('(prefers-reduced-motion: reduce)').matches;
}

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}
