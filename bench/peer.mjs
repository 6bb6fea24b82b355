// node-oidc-provider for the comparison: PORT as argument, everything in memory, and a line of JSON on standard input
// for codes or refresh tokens, which its own models make: {"kind": "codes", "client": "RS256", "jwt": true, "count": 9}.
import { generateKeyPairSync, createHash } from 'node:crypto';
import { createInterface } from 'node:readline';
import { Provider } from 'oidc-provider';

const port = Number(process.argv[2]);
const SECRET = 'bench-secret';
const REDIRECT_URI = 'https://rp.example/cb';
const RESOURCE = 'https://api.example/';
const CHALLENGE = createHash('sha256').update('v'.repeat(43)).digest('base64url');
const HOUR = 3600;

// The adapter that comes with it forgets all but the last thousand entries; this one keeps all until they are destroyed.
const kept = new Map();
const uids = new Map();
const ofGrant = new Map();
class Memory {
  constructor(model) { this.model = model; }
  key(id) { return `${this.model}:${id}`; }
  async upsert(id, payload) {
    kept.set(this.key(id), payload);
    if (this.model === 'Session') uids.set(payload.uid, id);
    if (payload.grantId) ofGrant.set(payload.grantId, [...(ofGrant.get(payload.grantId) ?? []), this.key(id)]);
  }
  async find(id) { return kept.get(this.key(id)); }
  async findByUid(uid) { return this.find(uids.get(uid)); }
  async findByUserCode() { return undefined; }
  async consume(id) { kept.get(this.key(id)).consumed = Math.floor(Date.now() / 1000); }
  async destroy(id) { kept.delete(this.key(id)); }
  async revokeByGrantId(id) { for (const key of ofGrant.get(id) ?? []) kept.delete(key); ofGrant.delete(id); }
}

function signingKey(type, options, alg) {
  return { ...generateKeyPairSync(type, options).privateKey.export({ format: 'jwk' }), alg, use: 'sig', kid: alg };
}

// A client for each algorithm and each form of access token; a JWT is signed as the ID Token is.
const algorithms = ['RS256', 'ES256', 'EdDSA'];
const clients = algorithms.flatMap((alg) => [alg, `${alg}-opaque`].map((client_id) => ({
  client_id,
  client_secret: SECRET,
  redirect_uris: [REDIRECT_URI],
  grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
  response_types: ['code'],
  id_token_signed_response_alg: alg,
})));

const provider = new Provider(`http://127.0.0.1:${port}`, {
  adapter: Memory,
  clients,
  cookies: { keys: ['bench'] },
  enabledJWA: { idTokenSigningAlgValues: algorithms },
  jwks: { keys: [
    signingKey('rsa', { modulusLength: 2048 }, 'RS256'),
    signingKey('ec', { namedCurve: 'P-256' }, 'ES256'),
    signingKey('ed25519', {}, 'EdDSA'),
  ] },
  claims: { openid: ['sub'], profile: ['name', 'preferred_username'] },
  scopes: ['openid', 'profile', 'roles', 'offline_access'],
  issueRefreshToken: async () => true,
  rotateRefreshToken: true,
  findAccount: async (_ctx, id) => ({
    accountId: id,
    claims: async () => ({ sub: id, name: 'A person', preferred_username: id }),
  }),
  ttl: { AccessToken: 300, AuthorizationCode: 60, ClientCredentials: 300, Grant: 90 * 24 * HOUR, IdToken: 300,
    Interaction: HOUR, RefreshToken: 14 * 24 * HOUR, Session: 12 * HOUR },
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    introspection: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: async (ctx) => (ctx.oidc.client.clientId.endsWith('-opaque') ? undefined : RESOURCE),
      useGrantedResource: async () => true,
      getResourceServerInfo: async (_ctx, _resource, client) => ({
        scope: 'roles',
        audience: RESOURCE,
        accessTokenFormat: 'jwt',
        jwt: { sign: { alg: client.idTokenSignedResponseAlg } },
      }),
    },
  },
});

// As a sign-in and a consent leave them: a session and a grant.
async function signedIn(client, resource) {
  const grant = new provider.Grant({ accountId: 'person', clientId: client.clientId });
  grant.addOIDCScope('openid profile roles');
  if (resource) grant.addResourceScope(resource, 'roles');
  const grantId = await grant.save();
  const session = new provider.Session();
  session.loginAccount({ accountId: 'person', amr: ['pwd'] });
  session.ensureClientContainer(client.clientId);
  session.grantIdFor(client.clientId, grantId);
  await session.save(12 * HOUR);
  return { accountId: 'person', authTime: session.loginTs, amr: session.amr, client, grantId, resource,
    scope: 'openid profile roles', sessionUid: session.uid, sid: session.sidFor(client.clientId),
    expiresWithSession: true };
}

async function make({ kind, client: clientId, jwt, count }) {
  const client = await provider.Client.find(clientId);
  const made = [];
  for (let number = 0; number < count; number += 1) {
    const known = await signedIn(client, jwt ? RESOURCE : undefined);
    const entity = kind === 'codes'
      ? new provider.AuthorizationCode({ ...known, redirectUri: REDIRECT_URI, codeChallenge: CHALLENGE,
        codeChallengeMethod: 'S256' })
      : new provider.RefreshToken({ ...known, gty: 'authorization_code' });
    made.push(await entity.save());
  }
  return made;
}

createInterface({ input: process.stdin }).on('line', async (line) => {
  process.stdout.write(`${JSON.stringify(await make(JSON.parse(line)))}\n`);
});
provider.listen(port, '127.0.0.1');
