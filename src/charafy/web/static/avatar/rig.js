// Fetches what a face is drawn from: a manifest (rig or sprites) and the pictures beside it.

const VERSION = 1;
const KINDS = ["photo", "drawing", "sprites"];

/**
 * @typedef {object} LoadedRig
 * @property {"photo" | "drawing" | "sprites"} kind
 * @property {number} width of a frame, in pixels
 * @property {number} height
 * @property {any} data of a rig; a sprite sheet's manifest itself
 * @property {Record<string, ImageBitmap>} textures in straight alpha
 */

/**
 * @param {string | URL} url of a `rig.json` or `sprites.json`; pictures are found relative to it
 * @param {AbortSignal} [signal]
 * @returns {Promise<LoadedRig>}
 */
export async function loadRig(url, signal) {
  const address = new URL(url, document.baseURI);
  const manifest = await (await fetched(address, signal)).json();
  if (manifest.version !== VERSION || !KINDS.includes(manifest.kind)) {
    throw new Error("this face was baked for another version of the player");
  }
  const names = Object.keys(manifest.textures);
  const pictures = await Promise.all(
    names.map(async (name) => {
      const file = await fetched(new URL(manifest.textures[name], address), signal);
      return createImageBitmap(await file.blob(), {
        premultiplyAlpha: "none",
        colorSpaceConversion: "none",
      });
    }),
  );
  const textures = Object.fromEntries(names.map((name, index) => [name, pictures[index]]));
  const { kind, width, height } = manifest;
  return { kind, width, height, data: manifest.data ?? manifest, textures };
}

async function fetched(url, signal) {
  const answer = await fetch(url, { signal });
  if (!answer.ok) throw new Error(`${url.pathname} answered ${answer.status}`);
  return answer;
}
