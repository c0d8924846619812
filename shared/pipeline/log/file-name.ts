import { formatInstant } from '../../domain/time/instant.ts';

/** A partition's first file has one fixed name: an empty log has no tail whose closing block could name it. */
export const FIRST_FILE = '00000000T00-000000.log';

/** The hour of an instant as it stands in file names: `yyyyMMddTHH`. */
export function hourOf(time: number): string {
  const text = formatInstant(time);
  return `${text.slice(0, 4)}${text.slice(5, 7)}${text.slice(8, 13)}`;
}

/** The hour that a file's name says; the first file's lies before every other. */
export function hourOfFile(name: string): string {
  return name.slice(0, 11);
}

/** The file after `previous`: zero-padded, so that the order of names is the order of files. */
export function nextFileName(previous: string, hour: string): string {
  const number = previous.startsWith(`${hour}-`) ? Number(previous.slice(12, 18)) + 1 : 0;
  return `${hour}-${String(number).padStart(6, '0')}.log`;
}
