/** Which microphones and speakers there are, and the one that was chosen, found again after it was away. */

/** @typedef {import("../preferences.js").Device} Device */

/**
 * @param {"audioinput" | "audiooutput"} kind
 * @returns {Promise<Device[]>} without the entries that repeat a device as "default"
 */
export async function devices(kind) {
  const found = await navigator.mediaDevices?.enumerateDevices?.() ?? [];
  return found
    .filter((device) => device.kind === kind && device.deviceId && !repeats(device.deviceId))
    .map(({ deviceId, label }) => ({ id: deviceId, label }));
}

/** @param {string} id */
function repeats(id) {
  return id === "default" || id === "communications";
}

/**
 * The chosen device among those present: by id, else by name, since browsers change the ids.
 * @param {Device | null} chosen
 * @param {readonly Device[]} present
 * @returns {Device | undefined}
 */
export function find(chosen, present) {
  if (!chosen) return undefined;
  const named = present.find(({ label }) => label !== "" && label === chosen.label);
  return present.find(({ id }) => id === chosen.id) ?? named;
}
