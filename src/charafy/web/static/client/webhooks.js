// Whether a webhook is ours, as https://www.standardwebhooks.com has it.

import { SignatureError } from "./errors.js";
import { webCrypto } from "./transport.js";

/**
 * The event of a webhook that Charafy sent; throws a `SignatureError` for any other.
 * @param {string} secret of the endpoint, "whsec_..."
 * @param {Headers | Record<string, string | string[] | undefined>} headers
 * @param {string | ArrayBuffer | Uint8Array} body as it came, byte for byte
 */
export async function verifyWebhook(secret, headers, body, { toleranceS = 300, now = Date.now() } = {}) {
  const [id, sentAt, signatures] = ["id", "timestamp", "signature"].map((name) => headerOf(headers, `webhook-${name}`));
  if (!id || !sentAt || !signatures) throw new SignatureError("This isn't signed.", { code: "signature_missing" });
  if (!(Math.abs(now / 1000 - Number(sentAt)) <= toleranceS)) {
    throw new SignatureError("This is too old, or a clock is wrong.", { code: "signature_expired" });
  }
  const bytes = typeof body === "string" ? new TextEncoder().encode(body) : new Uint8Array(body);
  const head = new TextEncoder().encode(`${id}.${sentAt}.`);
  const signed = new Uint8Array(head.length + bytes.length);
  signed.set(head);
  signed.set(bytes, head.length);
  const { subtle } = await webCrypto();
  const way = { name: "HMAC", hash: "SHA-256" };
  const key = await subtle.importKey("raw", bytesOf(secret.replace(/^whsec_/, "")), way, false, ["verify"]);
  // While a secret is being changed there is a signature of the old one and one of the new.
  for (const signature of signatures.split(" ")) {
    if (signature.startsWith("v1,") && (await matches(subtle, key, signature.slice(3), signed))) {
      return JSON.parse(new TextDecoder().decode(bytes));
    }
  }
  throw new SignatureError("The signature is wrong.", { code: "signature_wrong" });
}

function headerOf(headers, name) {
  if (typeof headers.get === "function") return headers.get(name);
  const [, value] = Object.entries(headers).find(([each]) => each.toLowerCase() === name) ?? [];
  return value && String(value);
}

/** In a time that tells nothing about the right one. */
async function matches(subtle, key, signature, signed) {
  let given;
  try {
    given = bytesOf(signature);
  } catch {
    return false; // no base64
  }
  return subtle.verify("HMAC", key, given, signed);
}

const bytesOf = (base64) => Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
