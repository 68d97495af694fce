cp -R ~/counterfoil/examples/quickstarts/spa notes && cd notes
echo '{ "type": "module", "private": true }' > package.json
npm install ~/counterfoil/dist/counterfoil-*.tgz hono @hono/node-server
npx counterfoil init
node server.js
