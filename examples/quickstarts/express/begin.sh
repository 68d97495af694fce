mkdir notes-express && cd notes-express
echo '{ "type": "module" }' > package.json
npm install ~/counterfoil/dist/counterfoil-*.tgz express
npx counterfoil init
node server.js
