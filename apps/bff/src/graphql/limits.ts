import type { DocumentNode, FragmentDefinitionNode, SelectionSetNode } from 'graphql';

/** What one document may ask for, fragments spread out wherever they are used. */
export interface Limits {
  /** Levels of fields; GraphiQL's own introspection has 13. */
  readonly depth: number;
  readonly aliases: number;
  /** Fields; `weights` count more. */
  readonly cost: number;
  readonly weights: Readonly<Record<string, number>>;
}

/** How much a selection asks for; it may be more than a number can count, and is `Infinity` then. */
interface Measure {
  readonly depth: number;
  readonly aliases: number;
  readonly cost: number;
}

const none: Measure = { depth: 0, aliases: 0, cost: 0 };

/** Each fragment is measured once, however often it is spread: fragments that double one another cost no time here. */
class Ruler {
  readonly #fragments: ReadonlyMap<string, FragmentDefinitionNode>;
  readonly #weights: Limits['weights'];
  readonly #measured = new Map<string, Measure>();
  readonly #open = new Set<string>();

  constructor({ definitions }: DocumentNode, weights: Limits['weights']) {
    this.#weights = weights;
    this.#fragments = new Map(
      definitions.flatMap((one) =>
        one.kind === 'FragmentDefinition' ? [[one.name.value, one] as const] : [],
      ),
    );
  }

  of({ selections }: SelectionSetNode): Measure {
    return selections.reduce<Measure>((sum, selection) => {
      const one =
        selection.kind === 'FragmentSpread'
          ? this.#fragment(selection.name.value)
          : selection.kind === 'InlineFragment'
            ? this.of(selection.selectionSet)
            : this.#field(selection.name.value, selection.alias !== undefined, selection.selectionSet);
      return {
        depth: Math.max(sum.depth, one.depth),
        aliases: sum.aliases + one.aliases,
        cost: sum.cost + one.cost,
      };
    }, none);
  }

  #field(name: string, aliased: boolean, selections: SelectionSetNode | undefined): Measure {
    const { depth, aliases, cost } = selections ? this.of(selections) : none;
    const weight = Object.hasOwn(this.#weights, name) ? (this.#weights[name] as number) : 1;
    return { depth: depth + 1, aliases: aliases + (aliased ? 1 : 0), cost: cost + weight };
  }

  #fragment(name: string): Measure {
    const known = this.#measured.get(name);
    if (known) return known;
    const fragment = this.#fragments.get(name);
    // One that is missing is for the validation to say.
    if (!fragment) return none;
    if (this.#open.has(name)) return { depth: Number.POSITIVE_INFINITY, aliases: 0, cost: 0 };
    this.#open.add(name);
    const measured = this.of(fragment.selectionSet);
    this.#open.delete(name);
    this.#measured.set(name, measured);
    return measured;
  }
}

/**
 * Why a document asks for too much. It is to be asked before the document is validated: what it guards against makes
 * the validation itself slow.
 * @returns undefined when it does not
 */
export const excessOf = (document: DocumentNode, limits: Limits): string | undefined => {
  const ruler = new Ruler(document, limits.weights);
  for (const definition of document.definitions) {
    if (definition.kind !== 'OperationDefinition' && definition.kind !== 'FragmentDefinition') continue;
    const { depth, aliases, cost } = ruler.of(definition.selectionSet);
    if (depth === Number.POSITIVE_INFINITY) return 'Los fragmentos se contienen en círculo';
    if (depth > limits.depth) return `Demasiada profundidad: se admiten ${limits.depth} niveles`;
    if (aliases > limits.aliases) return `Demasiados alias: se admiten ${limits.aliases}`;
    if (cost > limits.cost) return `La petición pide demasiado: se admite un coste de ${limits.cost}`;
  }
  return undefined;
};
