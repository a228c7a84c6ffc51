// How a face fills its canvas.

/** More pixels than twice the rig's would show nothing more. */
const MOST_SCALE = 2;

/**
 * Where the picture lies in the canvas's buffer (pixels, from its lower left) and what is behind.
 * @typedef {{x: number, y: number, width: number, height: number, keep: boolean, paper: number[]}} View
 */

/**
 * Give the canvas as many pixels as it shows, and say where the picture comes to lie.
 * @param {HTMLCanvasElement} canvas @param {{width: number, height: number}} rig
 * @param {"cover" | "contain"} fit @param {string} background "keep", "transparent" or a CSS colour
 * @returns {View}
 */
export function viewOf(canvas, rig, fit, background) {
  const pick = fit === "contain" ? Math.min : Math.max;
  let [width, height] = shownSize(canvas, rig).map((length) => length * devicePixelRatio);
  const shrink = Math.min(1, MOST_SCALE / pick(width / rig.width, height / rig.height));
  [width, height] = [width, height].map((length) => Math.max(1, Math.round(length * shrink)));
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  const scale = pick(width / rig.width, height / rig.height);
  const [w, h] = [rig.width * scale, rig.height * scale].map(Math.round);
  return {
    x: Math.round((width - w) / 2),
    y: Math.round((height - h) / 2),
    width: w,
    height: h,
    keep: background === "keep",
    paper: background === "keep" || background === "transparent" ? [0, 0, 0, 0] : colour(background),
  };
}

/** The canvas's size on the page; one without a size of its own gets the rig's. */
function shownSize(canvas, rig) {
  if (!canvas.dataset.sized) {
    // A canvas that grows with its buffer has no size from the page's style.
    const [before, width] = [canvas.clientWidth, canvas.width];
    canvas.width = width + 64;
    const grows = canvas.clientWidth !== before;
    canvas.width = width;
    if (grows) Object.assign(canvas.style, { width: `${rig.width}px`, height: `${rig.height}px` });
    canvas.dataset.sized = "true";
  }
  return [canvas.clientWidth || rig.width, canvas.clientHeight || rig.height];
}

/** @param {string} css @returns {number[]} red, green, blue, alpha, 0..1 */
function colour(css) {
  const context = new OffscreenCanvas(1, 1).getContext("2d");
  context.fillStyle = css;
  context.fillRect(0, 0, 1, 1);
  return [...context.getImageData(0, 0, 1, 1).data].map((part) => part / 255);
}

/** @param {HTMLCanvasElement} canvas @param {AbortSignal} signal @param {() => void} changed */
export function whenSizeChanges(canvas, signal, changed) {
  const watch = new ResizeObserver(changed);
  watch.observe(canvas);
  signal.addEventListener("abort", () => watch.disconnect());
  // Another screen or zoom: the size in CSS pixels may stay, the device's don't.
  const follow = () => {
    const query = matchMedia(`(resolution: ${devicePixelRatio}dppx)`);
    query.addEventListener("change", () => { changed(); follow(); }, { once: true, signal });
  };
  follow();
}
