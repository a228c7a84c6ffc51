// Where the faces of the demo characters are.

const TRIES = 60;
const TRY_MS = 2000;

/** Where the person's rig is; waits while the server still makes it, right after its first start. */
export async function rigOf(person) {
  for (let tried = 0; tried < TRIES; tried++) {
    const { rig } = await json(`/player/faces/${encodeURIComponent(person)}`);
    if (rig) return rig;
    await new Promise((done) => setTimeout(done, TRY_MS));
  }
  throw new Error("the face took too long");
}

export async function json(address) {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(`${address} answered ${answer.status}`);
  return answer.json();
}
