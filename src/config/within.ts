/**
 * Whether one path lies within another, by its links too.
 * @module
 */

/** Whether `path` is `directory` or lies below it; both are real paths. */
export function isWithin(path: string, directory: string): boolean {
  return path === directory || path.startsWith(directory === "/" ? "/" : `${directory}/`);
}

/** Whether the directory, by its links, lies outside of `root`; one that is not there is its parent. */
export function leadsOutside(directory: string, root: string): boolean {
  for (let path = directory;; path = path.slice(0, path.lastIndexOf("/")) || "/") {
    try {
      if (!isWithin(Deno.realPathSync(path), root)) return true;
      return !isWithin(directory, root);
    } catch (error) {
      if (error instanceof Deno.errors.NotCapable) throw error;
      if (!(error instanceof Error && "code" in error) || path === "/") return true;
      // A link whose target is yet to be made leads there all the same.
      if (isLink(path)) return true;
    }
  }
}

/** Whether there is a link at this path. */
export function isLink(path: string): boolean {
  try {
    return Deno.lstatSync(path).isSymlink;
  } catch (error) {
    if (error instanceof Error && "code" in error) return false;
    throw error;
  }
}
