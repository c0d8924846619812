// If-Match and If-None-Match of a request that changes something (RFC 9110 13.1).

/** The two headers, null where absent. */
export interface Preconditions {
  readonly ifMatch: string | null;
  readonly ifNoneMatch: string | null;
}

/** The part of a request that they are read from. */
interface HeaderSource {
  readonly headers: { get(name: string): string | null };
}

export function preconditionsOf({ headers }: HeaderSource): Preconditions {
  return { ifMatch: headers.get('if-match'), ifNoneMatch: headers.get('if-none-match') };
}

/** `version` is that of the store, null where there is nothing. */
export function areMet({ ifMatch, ifNoneMatch }: Preconditions, version: string | null): boolean {
  const etag = version === null ? null : etagOf(version);
  return (
    (ifMatch === null || names(ifMatch, etag)) &&
    (ifNoneMatch === null || !names(ifNoneMatch, etag))
  );
}

/** Stores give versions that are ETags already, or bare words. */
export function etagOf(version: string): string {
  return version.startsWith('"') ? version : `"${version}"`;
}

/** Whether a list of ETags, or `*`, names the one that there is. Strong comparison: `W/"…"` never does. */
function names(header: string, etag: string | null): boolean {
  if (etag === null) return false;
  return header.split(',').some((part) => part.trim() === '*' || part.trim() === etag);
}
