import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, get } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { after, before, describe, it } from 'node:test';
import { openCertificate } from '../../../local/tls/certificate.ts';

const DAY = 86_400_000;

describe('the certificate of the local platform', () => {
  let directory: string;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'threadwatch-tls-'));
  });
  after(() => rm(directory, { recursive: true }));

  const keyFile = () => join(directory, 'tls', 'key.pem');
  const open = (now = Date.now()) => openCertificate(join(directory, 'tls'), now);

  it('is made for the names of this machine, and is no authority', async () => {
    const { certificate, certificateFile } = await open();
    const read = new X509Certificate(certificate);
    assert.equal(read.subject, 'CN=localhost');
    assert.equal(
      read.subjectAltName,
      'DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1',
    );
    assert.equal(read.ca, false);
    assert.equal(await readFile(certificateFile, 'utf8'), certificate);
  });

  it('has a key that nobody else may read', { skip: process.platform === 'win32' }, async () => {
    const mode = async () => (await stat(keyFile())).mode & 0o777;
    assert.equal(await mode(), 0o600);
    assert.equal((await stat(join(directory, 'tls'))).mode & 0o777, 0o700);
    await chmod(keyFile(), 0o644);
    await open();
    assert.equal(await mode(), 0o600);
  });

  it('stays the same over restarts, until thirty days before its end', async () => {
    const first = await open();
    assert.deepEqual(await open(), first);
    assert.deepEqual(await open(Date.now() + 334 * DAY), first);
    const next = await open(Date.now() + 336 * DAY);
    assert.notEqual(next.certificate, first.certificate);
    // Made in the future: not for now.
    assert.notEqual((await open()).certificate, next.certificate);
  });

  it('is made anew where a file is missing, cut, or of another pair', async () => {
    const { certificate, key, certificateFile } = await open();
    for (const text of [null, '', key.slice(0, 100), certificate]) {
      const before = await open();
      await (text === null ? rm(keyFile()) : writeFile(keyFile(), text));
      const made = await open();
      assert.notEqual(made.certificate, before.certificate);
      assert.deepEqual(await open(), made);
    }
    await writeFile(certificateFile, certificate);
    assert.notEqual((await open()).certificate, certificate);
  });

  it('is what a client verifies the server by, for each name', async () => {
    const { certificate, key } = await open();
    const server = createServer({ cert: certificate, key }, (_, response) => response.end('in'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const ask = (options: object) =>
      new Promise((resolve, reject) => {
        get({ host: '127.0.0.1', port, ...options }, (response) => {
          resolve(response.statusCode);
          response.resume();
        }).once('error', reject);
      });
    assert.equal(await ask({ ca: certificate }), 200);
    assert.equal(await ask({ ca: certificate, host: 'localhost' }), 200);
    assert.equal(await ask({ ca: certificate, servername: 'localhost' }), 200);
    await assert.rejects(ask({}), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
    await assert.rejects(ask({ ca: certificate, servername: 'example.com' }), {
      code: 'ERR_TLS_CERT_ALTNAME_INVALID',
    });
    server.closeAllConnections();
    server.close();
  });
});
