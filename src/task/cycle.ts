/**
 * Cycles in a graph of dependencies.
 * @module
 */

/**
 * A cycle, if there is one: each node in it depends on the next, and the last on the first.
 *
 * @param edges for each node the nodes that it depends on
 */
export function findCycle(edges: readonly (readonly number[])[]): number[] | undefined {
  const done = new Set<number>();
  for (const start of edges.keys()) {
    // Depth first without recursion: a batch may be one long chain.
    const path: number[] = [];
    const next: number[] = [];
    const onPath = new Set<number>();
    const enter = (node: number) => {
      path.push(node);
      next.push(0);
      onPath.add(node);
    };
    if (!done.has(start)) enter(start);
    while (path.length > 0) {
      const node = path.at(-1)!;
      const target = edges[node]![next[next.length - 1]!++];
      if (target === undefined) {
        done.add(node);
        onPath.delete(node);
        path.pop();
        next.pop();
      } else if (onPath.has(target)) {
        return path.slice(path.indexOf(target));
      } else if (!done.has(target)) {
        enter(target);
      }
    }
  }
  return undefined;
}
