mkdir notes && cd notes
cp -R ~/counterfoil/examples/quickstarts/spa/*.js ~/counterfoil/examples/quickstarts/spa/public .
echo '{ "type": "module", "private": true }' > package.json
npm install ~/counterfoil/dist/counterfoil-*.tgz hono @hono/node-server
npx counterfoil init
node server.js
