/** Asks for a URL by fetch, through the proxy of the environment, and prints the error with its causes. */
import { createRequire } from 'node:module';
import { EnvHttpProxyAgent, fetch } from 'undici';

const [url = ''] = process.argv.slice(2);
if (url === '--version') {
  const { version } = createRequire(import.meta.url)('undici/package.json');
  console.log(`Node.js ${process.version}, undici ${version}`);
} else {
  try {
    const response = await fetch(url, { dispatcher: new EnvHttpProxyAgent() });
    console.log(`${response.status} ${response.statusText}`);
  } catch (error) {
    for (let cause = error; cause; cause = cause.cause) console.log(String(cause));
  }
}
