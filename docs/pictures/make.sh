#!/bin/sh
# Makes the pictures of README.md: sh docs/pictures/make.sh, in the top folder. The terminal
# is drawn by tmux and becomes an SVG, the page of --trace is photographed by Chromium.
set -eu
here=docs/pictures
work=$(mktemp -d)
trap 'tmux -L pictures kill-server 2>/dev/null || true; rm -rf "$work"' EXIT
CGO_ENABLED=0 go build -trimpath -o "$work/netclients" ./cmd/netclients
PATH=$work:$PATH

# svg draws what a terminal shows: standard input, lines of text.
svg() {
	awk '
	{ gsub(/&/, "\\&amp;"); gsub(/</, "\\&lt;"); gsub(/>/, "\\&gt;"); lines[NR] = $0 }
	END {
		while (NR > 0 && lines[NR] == "") NR--
		printf "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"760\" height=\"%d\" font-family=\"monospace\" font-size=\"14\">\n", NR * 18 + 28
		print "<rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"#16181d\"/>"
		for (i = 1; i <= NR; i++) {
			colour = lines[i] ~ /^\$ / ? "#7fd1ff" : lines[i] ~ / ok  [0-9]/ ? "#9fe3a1" : lines[i] ~ /^ *netclients/ ? "#e6e6e6" : "#c8ccd4"
			printf "<text x=\"16\" y=\"%d\" fill=\"%s\" xml:space=\"preserve\">%s</text>\n", i * 18 + 10, colour, lines[i]
		}
		print "</svg>"
	}'
}

tmux -L pictures -f /dev/null new-session -d -x 84 -y 30 "PS1='\$ ' sh"
tmux -L pictures send-keys "clear; netclients tour | head -25" Enter
sleep 5
tmux -L pictures capture-pane -p | sed '1i$ netclients tour' | svg > "$here/tour.svg"

netclients lab -- sh -c "netclients smtp send \$NETCLIENTS_LAB_SMTP --from ann@example.org --subject Hello --body 'Hi there' --trace $work/trace.html bob@example.org"
chromium --headless --no-sandbox --disable-gpu --hide-scrollbars --window-size=900,700 --screenshot="$work/trace.png" "file://$work/trace.html" >/dev/null 2>&1
cp "$work/trace.png" "$here/trace.png"
ls -l "$here"
