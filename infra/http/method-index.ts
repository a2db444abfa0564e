/** Which methods a path has, for 405 and its `Allow`. */
export interface MethodIndex {
  /** @param pattern a route as Fastify writes it: `/campaigns/:id`, `/docs/*` */
  add(methods: string | readonly string[], pattern: string): void;
  /** The methods registered for a URL's path; empty when the path is unknown. */
  allowed(url: string): string[];
}

export const createMethodIndex = (): MethodIndex => {
  const routes: { readonly segments: readonly string[]; readonly methods: Set<string> }[] = [];
  return {
    add(methods, pattern) {
      routes.push({ segments: segmentsOf(pattern), methods: new Set([methods].flat()) });
    },
    allowed(url) {
      const asked = segmentsOf(url.split('?', 1)[0] ?? '').map(decode);
      const found = routes.filter(({ segments }) => matches(segments, asked));
      return [...new Set(found.flatMap(({ methods }) => [...methods]))].sort();
    },
  };
};

const segmentsOf = (path: string): string[] => path.replace(/\/$/, '').split('/').slice(1);

const matches = (pattern: readonly string[], asked: readonly string[]): boolean => {
  const open = pattern.at(-1) === '*';
  if (open ? asked.length < pattern.length : asked.length !== pattern.length) return false;
  return pattern.every((segment, at) => segment === '*' || segment.startsWith(':') || segment === asked[at]);
};

const decode = (segment: string): string => {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
};
