/** Buckets by the top bits of a word, about as many as entries. */
export const MAX_BUCKET_BITS = 20;

export function bucketBitsFor(count: number, most = MAX_BUCKET_BITS): number {
  let bits = 1;
  while (bits < most && 1 << bits < count) bits++;
  return bits;
}

/** Entry `b` counts the keys in buckets below `b`: bucket `b` is the slice from entry `b` to entry `b + 1`. */
export function bucketIndex(
  count: number,
  bits: number,
  keyOf: (i: number) => number,
): Uint32Array {
  const index = new Uint32Array((1 << bits) + 1);
  for (let i = 0; i < count; i++) index[(keyOf(i) >>> (32 - bits)) + 1]!++;
  for (let bucket = 1; bucket < index.length; bucket++) index[bucket]! += index[bucket - 1]!;
  return index;
}
