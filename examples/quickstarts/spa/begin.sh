mkdir notes-spa && cd notes-spa
cp -R ~/counterfoil/examples/quickstarts/spa/*.js ~/counterfoil/examples/quickstarts/spa/public .
echo '{ "type": "module" }' > package.json
npm install ~/counterfoil/dist/counterfoil-*.tgz hono @hono/node-server
npx counterfoil init
node server.js
