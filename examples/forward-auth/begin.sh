mkdir behind-nginx && cd behind-nginx
cp ~/counterfoil/examples/forward-auth/application.ts ~/counterfoil/examples/forward-auth/nginx.conf .
echo '{ "type": "module" }' > package.json
npm install ~/counterfoil/dist/counterfoil-*.tgz
mkdir data
echo '{ "forward": { "method": "x-original-method", "url": "x-original-url" }, "trustedHops": 1 }' > data/policy.json
npx counterfoil serve --issuer http://localhost:8080
