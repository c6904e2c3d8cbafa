// A private CA that lives as long as this process, with certificates for the server and for its clients.
import { execFileSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const EC = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']

export function makeCertificates(folder) {
  const openssl = (...args) => execFileSync('openssl', args, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] })
  const issue = (name, subject, extensions) => {
    writeFileSync(join(folder, `${name}.ext`), ['basicConstraints=critical,CA:FALSE', 'keyUsage=critical,digitalSignature', ...extensions].join('\n'))
    openssl('req', '-new', ...EC, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', subject)
    openssl('x509', '-req', '-in', `${name}.csr`, '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2',
      '-extfile', `${name}.ext`, '-out', `${name}.pem`)
    return read(name)
  }
  const read = (name) => ({ cert: readFileSync(join(folder, `${name}.pem`), 'utf8'), key: readFileSync(join(folder, `${name}.key`), 'utf8') })
  openssl('req', '-x509', ...EC, '-keyout', 'ca.key', '-out', 'ca.pem', '-days', '2', '-subj', '/CN=Conformance test CA',
    '-addext', 'keyUsage=critical,keyCertSign')
  openssl('req', '-x509', ...EC, '-keyout', 'self.key', '-out', 'self.pem', '-days', '2', '-subj', '/CN=self-signed client')
  return {
    caFile: join(folder, 'ca.pem'),
    ca: readFileSync(join(folder, 'ca.pem'), 'utf8'),
    server: issue('server', '/CN=localhost', ['extendedKeyUsage=serverAuth', 'subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1']),
    client: issue('client', '/O=Conformance/CN=client of the CA', ['extendedKeyUsage=clientAuth']),
    selfSigned: read('self'),
  }
}

/** The subject as RFC 4514 writes it: the last relative name first. */
export function subjectOf(certificate) {
  return new X509Certificate(certificate).subject.split('\n').reverse().join(',')
}
