// The certificate of the local platform, for clients that refuse plain http even on this machine. Made on the first start.
import { X509Certificate, createPrivateKey } from 'node:crypto';
import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';

export interface LocalCertificate {
  /** What clients trust: `NODE_EXTRA_CA_CERTS`, `ca`, `curl --cacert`. */
  readonly certificateFile: string;
  readonly certificate: string;
  readonly key: string;
}

type Pair = Pick<LocalCertificate, 'certificate' | 'key'>;

const DAY_MS = 86_400_000;
const VALID_DAYS = 365;
const RENEW_DAYS = 30;

/** The certificate in the folder; a new one where there is none, or it ends soon, or cannot be used. */
export async function openCertificate(folder: string, now: number): Promise<LocalCertificate> {
  const certificateFile = join(folder, 'certificate.pem');
  const keyFile = join(folder, 'key.pem');
  const kept = await readPair(certificateFile, keyFile);
  if (kept !== null && isUsable(kept, now)) {
    await chmod(keyFile, 0o600);
    return { certificateFile, ...kept };
  }
  const made = await makePair(now);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await replace(keyFile, made.key, 0o600);
  await replace(certificateFile, made.certificate, 0o644);
  return { certificateFile, ...made };
}

async function readPair(certificateFile: string, keyFile: string): Promise<Pair | null> {
  try {
    const [certificate, key] = await Promise.all([
      readFile(certificateFile, 'utf8'),
      readFile(keyFile, 'utf8'),
    ]);
    return { certificate, key };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

function isUsable({ certificate, key }: Pair, now: number): boolean {
  try {
    const read = new X509Certificate(certificate);
    const begins = Date.parse(read.validFrom);
    const ends = Date.parse(read.validTo);
    const isInTime = begins <= now && now + RENEW_DAYS * DAY_MS < ends;
    return isInTime && read.checkPrivateKey(createPrivateKey(key));
  } catch {
    return false; // No certificate, or no key: both are made anew.
  }
}

async function makePair(now: number): Promise<Pair> {
  // Loads on use: it is large, and needed once a year.
  const { generate } = await import('selfsigned');
  const { cert, private: key } = await generate([{ name: 'commonName', value: 'localhost' }], {
    keyType: 'ec',
    curve: 'P-256',
    algorithm: 'sha256',
    // A clock that is set back a little must not refuse it.
    notBeforeDate: new Date(now - DAY_MS),
    notAfterDate: new Date(now + VALID_DAYS * DAY_MS),
    extensions: [
      // No authority: who trusts it trusts these names and nothing else.
      { name: 'basicConstraints', cA: false, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      {
        name: 'subjectAltName',
        altNames: [
          { type: 2, value: 'localhost' },
          { type: 7, ip: '127.0.0.1' },
          { type: 7, ip: '::1' },
        ],
      },
    ],
  });
  return { certificate: cert, key };
}

/** A reader sees the old file or the new one; the mode is there before the content. */
async function replace(file: string, text: string, mode: number): Promise<void> {
  const beside = `${file}.${process.pid}.tmp`;
  await writeFile(beside, text, { mode });
  await rename(beside, file);
}
