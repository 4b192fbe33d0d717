/** The few lines that stand between this client and the DOM. */

/**
 * The element with this id, as what it is expected to be.
 * @template {HTMLElement} T
 * @param {string} id
 * @param {new () => T} type
 * @returns {T}
 * @throws {Error} where the page has no such element: a slip of the page, not of the user
 */
export function byId(id, type) {
  const found = document.getElementById(id);
  if (!(found instanceof type)) throw new Error(`#${id} is no ${type.name}`);
  return found;
}

/**
 * A new element.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {string} [className]
 * @param {string} [text]
 * @returns {HTMLElementTagNameMap[K]}
 */
export function make(tag, className, text) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
}

/**
 * Sets or removes a data attribute; true stands there without a value.
 * @param {HTMLElement} element
 * @param {string} name as in dataset
 * @param {string | boolean | undefined} value
 */
export function mark(element, name, value) {
  if (value === undefined || value === false) delete element.dataset[name];
  else element.dataset[name] = value === true ? "" : value;
}

/**
 * Saves data as a file of the user.
 * @param {string} name
 * @param {BlobPart} content
 * @param {string} type media type
 */
export function save(name, content, type) {
  const link = make("a");
  link.href = URL.createObjectURL(new Blob([content], { type }));
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}
