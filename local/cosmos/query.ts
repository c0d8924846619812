import cosmosQuery from '@zeit/cosmosdb-query';
import { badRequest, type Json, type Resource } from './resources.ts';

export interface QueryPage {
  readonly results: readonly unknown[];
  /** Where the next page begins; undefined after the last. */
  readonly continuation: string | undefined;
}

type Query = ReturnType<typeof cosmosQuery.default>;

/** Parsing costs more than running on a small container; an application has few texts. */
const parsed = new Map<string, Query>();
const MAX_PARSED = 200;

/** One page of an SQL query over documents that stand in the order of `_rid`. */
export function runQuery(
  body: unknown,
  documents: readonly Resource[],
  container: Json,
  maxItemCount: number,
  continuation: string | undefined,
): QueryPage {
  const { query, parameters = [] } = body as { query?: unknown; parameters?: unknown };
  if (typeof query !== 'string' || !isParameters(parameters)) {
    throw badRequest('a query is {"query": text, "parameters": [{"name": "@x", "value": …}]}');
  }
  const { compositeIndexes = [] } = (container['indexingPolicy'] ?? {}) as {
    compositeIndexes?: never[];
  };
  try {
    const page = parse(query).exec(documents as Resource[], {
      parameters,
      maxItemCount,
      // As in Azure, ORDER BY over several paths needs a composite index.
      compositeIndexes,
      ...(continuation === undefined ? {} : { continuation: { token: continuation } }),
    }) as { result: unknown[]; continuation: { token: string } | null };
    return { results: page.result, continuation: page.continuation?.token };
  } catch (error) {
    throw badRequest((error as Error).message);
  }
}

function parse(text: string): Query {
  const found = parsed.get(text);
  if (found !== undefined) return found;
  if (parsed.size >= MAX_PARSED) parsed.clear();
  const query = cosmosQuery.default(text);
  parsed.set(text, query);
  return query;
}

function isParameters(value: unknown): value is { name: string; value: unknown }[] {
  return (
    Array.isArray(value) &&
    value.every(
      (p: unknown) =>
        typeof p === 'object' && p !== null && 'name' in p && typeof p.name === 'string',
    )
  );
}
