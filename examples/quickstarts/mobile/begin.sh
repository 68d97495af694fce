mkdir notes && cd notes
cp ~/counterfoil/examples/quickstarts/mobile/*.js .
echo '{ "type": "module", "private": true }' > package.json
npm install ~/counterfoil/dist/counterfoil-*.tgz express
npx counterfoil init
node server.js
