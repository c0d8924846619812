/** Fills a new, longer column with what the old one holds, and gives it. */
export function widened<Column extends { set(values: Column): void }>(
  old: Column,
  column: Column,
): Column {
  column.set(old);
  return column;
}
