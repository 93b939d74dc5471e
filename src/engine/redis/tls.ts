/**
 * Reads the certificates that a Redis store's URL names, and checks that they can be used.
 * @module
 */
import { given } from "../../given.ts";
import { StoreUnavailableError } from "../../errors.ts";
import { quote } from "../../name.ts";
import type { TlsTexts } from "./client.ts";
import type { RedisTls } from "./url.ts";

/**
 * @param location the URL without secrets
 * @throws {StoreUnavailableError} naming the file that is missing or is not what it should be.
 */
export async function readTlsFiles(files: RedisTls, location: string): Promise<TlsTexts> {
  const ca = await readPem("ca", files.ca, "CERTIFICATE", location);
  const cert = await readPem("cert", files.cert, "CERTIFICATE", location);
  const key = await readPem("key", files.key, "PRIVATE KEY", location);
  // The runtime does not survive a key that belongs to another certificate.
  if (cert !== undefined && key !== undefined && !await belongTogether(cert, key)) {
    throw unusable(`${quote(files.key)} is not the key of ${quote(files.cert)}`, location);
  }
  return {
    ...given({ ca, cert, key, servername: files.servername }),
  };
}

async function readPem(
  name: string,
  path: string | undefined,
  label: string,
  location: string,
): Promise<string | undefined> {
  if (path === undefined) return undefined;
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw error;
    const why = error instanceof Deno.errors.NotFound
      ? "there is no such file"
      : "it is unreadable";
    throw unusable(`${name} in the URL names ${quote(path, 300)}, and ${why}`, location, error);
  }
  if (new RegExp(`-----BEGIN [A-Z ]*${label}-----`).test(text)) return text;
  throw unusable(
    `${name} in the URL names ${quote(path, 300)}, which holds no ${label} in PEM`,
    location,
  );
}

async function belongTogether(cert: string, key: string): Promise<boolean> {
  const { createPrivateKey, X509Certificate } = await import("node:crypto");
  try {
    return new X509Certificate(cert).checkPrivateKey(createPrivateKey(key));
  } catch {
    return false;
  }
}

function unusable(why: string, location: string, cause?: unknown): StoreUnavailableError {
  return new StoreUnavailableError(
    `Cannot use the store: ${why}`,
    { location, reason: "tls", sent: false },
    false,
    cause,
  );
}
