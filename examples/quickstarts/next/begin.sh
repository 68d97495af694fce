mkdir notes-next && cd notes-next
cp -R ~/counterfoil/examples/quickstarts/next/app .
echo '{}' > package.json
npm install ~/counterfoil/dist/counterfoil-*.tgz next react react-dom typescript @types/node @types/react
npx counterfoil init
npx next dev
