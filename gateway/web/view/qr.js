/** A QR code as a drawing. */

const SVG = "http://www.w3.org/2000/svg";
/** Light modules around it, without which it cannot be found. */
const QUIET = 4;

/**
 * @param {readonly string[]} rows "1" is a dark module
 * @param {string} label for who cannot see it
 */
export function drawing(rows, label) {
  const size = rows.length + 2 * QUIET;
  const svg = element("svg", { class: "qr", viewBox: `0 0 ${size} ${size}`, role: "img", "aria-label": label });
  svg.append(
    element("rect", { class: "light", width: String(size), height: String(size) }),
    element("path", { class: "dark", d: path(rows) }),
  );
  return svg;
}

/**
 * Each run of dark modules as one bar, so that no seam shows between them.
 * @param {readonly string[]} rows
 */
export function path(rows) {
  return rows
    .flatMap((row, y) => [...row.matchAll(/1+/g)].map(({ index, 0: { length } }) => bar(index + QUIET, y + QUIET, length)))
    .join("");
}

/**
 * @param {number} x
 * @param {number} y
 * @param {number} length
 */
function bar(x, y, length) {
  return `M${x} ${y}h${length}v1h-${length}z`;
}

/**
 * @param {string} name
 * @param {Record<string, string>} attributes
 */
function element(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}
