mkdir notes-hono && cd notes-hono
echo '{ "type": "module" }' > package.json
npm install ~/counterfoil/dist/counterfoil-*.tgz hono @hono/node-server
npx counterfoil init
node server.js
