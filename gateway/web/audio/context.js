/** Lets an audio context sound, which a browser allows within a tap only. */

/** A browser that forbids it answers never, not no. */
const ANSWER_MS = 500;

/**
 * @param {AudioContext} context
 * @returns {Promise<boolean>} whether it runs
 */
export async function resumed(context) {
  const late = new Promise((resolve) => window.setTimeout(resolve, ANSWER_MS));
  if (context.state !== "running") await Promise.race([context.resume().catch(() => {}), late]);
  return context.state === "running";
}
