mkdir notes-mobile && cd notes-mobile
cp ~/counterfoil/examples/quickstarts/mobile/*.js .
echo '{ "type": "module" }' > package.json
npm install ~/counterfoil/dist/counterfoil-*.tgz express
npx counterfoil init
node server.js
