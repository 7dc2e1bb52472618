/** Asks for a URL by Node's own http or https, and prints the error or the response's status. */
import { get as getHttp } from 'node:http';
import { get as getHttps } from 'node:https';

const [url = ''] = process.argv.slice(2);
const request = (url.startsWith('https:') ? getHttps : getHttp)(url, (response) => {
  console.log(`${response.statusCode} ${response.statusMessage}`);
  response.resume();
});
request.on('error', (error) => console.log(String(error)));
