// Node's reader of requests: says of each what it is and how long its body was.
const http = require('http');

const server = http.createServer((request, response) => {
  let length = 0;
  request.on('data', (piece) => { length += piece.length; });
  request.on('end', () => response.end(`${request.method} ${request.url} ${length}`));
});
server.listen(0, '127.0.0.1', () => console.log(`listening ${server.address().port}`));
