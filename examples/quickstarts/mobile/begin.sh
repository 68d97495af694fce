cp -R ~/counterfoil/examples/quickstarts/mobile notes && cd notes
echo '{ "type": "module", "private": true }' > package.json
npm install ~/counterfoil/dist/counterfoil-*.tgz express
npx counterfoil init
node server.js
