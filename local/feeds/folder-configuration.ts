import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** A feed as `feeds.json` has it, for a file or folder that the local feed server serves. */
export interface FolderFeed {
  readonly name: string;
  readonly address: string;
  readonly format: 'auto' | 'misp-feed';
  readonly allowPrivate: true;
}

/**
 * Every feed file of a folder as a feed of its own, named after the file; a folder with a `manifest.json` is one MISP feed.
 * Hidden files and other folders are not looked at.
 */
export async function feedsOfFolder(folder: string, origin: string): Promise<FolderFeed[]> {
  const found = (await readdir(folder, { withFileTypes: true }))
    .filter(({ name }) => !name.startsWith('.'))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  const names = new Set<string>();
  const feeds: FolderFeed[] = [];
  const add = (file: string, path: string, format: FolderFeed['format']) => {
    const address = new URL(path, `${origin}/`).href;
    feeds.push({ name: uniqueName(file, names), address, format, allowPrivate: true });
  };
  if (found.some(({ name }) => name === 'manifest.json')) {
    add('misp-feed', './', 'misp-feed');
    return feeds;
  }
  for (const entry of found) {
    const path = encodeURIComponent(entry.name);
    if (entry.isFile() || entry.isSymbolicLink()) add(entry.name, path, 'auto');
    else if (entry.isDirectory() && (await holdsManifest(join(folder, entry.name)))) {
      add(entry.name, `${path}/`, 'misp-feed');
    }
  }
  return feeds;
}

async function holdsManifest(folder: string): Promise<boolean> {
  return (await readdir(folder)).includes('manifest.json');
}

/** Names of feeds are plainer than names of files. */
function uniqueName(file: string, taken: Set<string>): string {
  const plain =
    file
      .replace(/[^A-Za-z0-9._-]+/g, '-')
      .slice(0, 60)
      .replace(/^[^A-Za-z0-9]+|[^A-Za-z0-9]+$/g, '') || 'feed';
  let name = plain;
  for (let n = 2; taken.has(name.toLowerCase()); n++) name = `${plain}-${n}`;
  taken.add(name.toLowerCase());
  return name;
}
