// Proves that the types of the page and docs/protocol.schema.json name the same messages and the same fields.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { SERVER_TYPES } from "../../../gateway/web/protocol.js";

/** @param {string} path */
const read = (path) => readFileSync(new URL(`../../../${path}`, import.meta.url), "utf-8");
const schema = JSON.parse(read("docs/protocol.schema.json"));
const typedefs = parsed(read("gateway/web/protocol.js"));
const RENAMED = { Error: "ServerError" }; // Error itself is a name of the language

/**
 * Every typedef of an object: its fields as `name` or `name?`, its type and whether it is numbered.
 * @param {string} source
 */
function parsed(source) {
  const text = source.replaceAll(/\n \*/g, "");
  const shapes = text.matchAll(/@typedef \{(Numbered & )?\{ (.*?) \}\} (\w+)/g);
  return new Map(
    Array.from(shapes, ([, numbered, body, name]) => [name, {
      fields: Array.from(body.matchAll(/(\w+\??): /g), ([, field]) => field),
      type: body.match(/type: "([^"]+)"/)?.[1],
      numbered: numbered !== undefined,
    }]),
  );
}

/** @param {string} name  @param {{properties: object, required?: string[]}} shape */
function expected(name, { properties, required = [] }) {
  const numbered = "t_ms" in properties;
  const own = Object.keys(properties).filter((field) => !numbered || !["seq", "t_ms"].includes(field));
  return {
    name,
    fields: own.map((field) => (required.includes(field) ? field : `${field}?`)).sort(),
    type: properties.type?.const,
    numbered,
  };
}

test("exactly the server's types are known", () => {
  const types = Object.keys(schema.properties.server.discriminator.mapping);
  assert.deepEqual([...SERVER_TYPES].sort(), types.sort());
});

for (const [title, shape] of Object.entries(schema.$defs)) {
  const name = RENAMED[title] ?? title;
  test(`${name} has the fields of the schema, optional where the schema says so`, () => {
    const found = typedefs.get(name);
    assert.ok(found, `protocol.js has no typedef ${name}`);
    assert.deepEqual({ name, ...found, fields: found.fields.sort() }, expected(name, shape));
  });
}

for (const [direction, union] of [["client", "ClientMessage"], ["server", "ServerMessage"]]) {
  test(`${union} is made of all messages from the ${direction}`, () => {
    const text = read("gateway/web/protocol.js").replaceAll(/\n \*/g, "");
    const members = text.match(new RegExp(`@typedef \\{([^{}]*)\\} ${union}`))[1].split("|");
    const titles = schema.properties[direction].oneOf.map(({ $ref }) => $ref.split("/").at(-1));
    const names = titles.map((title) => RENAMED[title] ?? title);
    assert.deepEqual(members.map((member) => member.trim()).sort(), names.sort());
  });
}
