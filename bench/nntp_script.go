//go:build linux

package main

import (
	"bufio"
	"fmt"
	"net"
	"strings"
)

// newsMillion is the number of articles in the scripted group.
const newsMillion = 1_000_000

// scriptedNews starts a news server with one group of so many articles, whose overview is generated as it is read. It
// returns its address and runs until the program exits.
func scriptedNews(articles int) (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go serveNews(conn, articles)
		}
	}()
	return listener.Addr().String(), nil
}

// serveNews answers the commands that readers send to get an overview.
func serveNews(conn net.Conn, articles int) {
	defer conn.Close()
	in, out := bufio.NewReader(conn), bufio.NewWriterSize(conn, 64<<10)
	fmt.Fprint(out, "200 scripted\r\n")
	for {
		if in.Buffered() == 0 && out.Flush() != nil {
			return
		}
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		switch verb, number, _ := strings.Cut(strings.TrimSpace(line), " "); strings.ToUpper(verb) {
		case "CAPABILITIES":
			fmt.Fprint(out, "101 list\r\nVERSION 2\r\nREADER\r\nOVER\r\n.\r\n")
		case "LIST":
			fmt.Fprint(out, "215 order\r\nSubject:\r\nFrom:\r\nDate:\r\nMessage-ID:\r\nReferences:\r\n:bytes\r\n:lines\r\nXref:full\r\n.\r\n")
		case "GROUP":
			fmt.Fprintf(out, "211 %d 1 %d local.bench\r\n", articles, articles)
		case "OVER", "XOVER":
			overview(out, articles)
		case "ARTICLE":
			fmt.Fprintf(out, "220 %s <many.%s@netclients.invalid>\r\nMessage-ID: <many.%s@netclients.invalid>\r\nSubject: article %s of very many\r\n\r\ntext\r\n.\r\n", number, number, number, number)
		case "QUIT":
			fmt.Fprint(out, "205 bye\r\n")
			out.Flush()
			return
		default:
			fmt.Fprint(out, "500 what?\r\n")
		}
	}
}

func overview(out *bufio.Writer, articles int) {
	fmt.Fprint(out, "224 overview\r\n")
	for n := 1; n <= articles; n++ {
		fmt.Fprintf(out, "%d\tRe: article %d of very many\tPoster %d <p%d@netclients.invalid>\tMon, 1 Jan 2024 00:00:00 +0000\t"+
			"<many.%d@netclients.invalid>\t<many.%d@netclients.invalid>\t%d\t%d\tXref: news.netclients.invalid local.bench:%d\r\n",
			n, n, n%1000, n%1000, n, max(1, n-1), 120+n%30, n%100, n)
	}
	fmt.Fprint(out, ".\r\n")
}

func newsHuge() workload {
	count := fmt.Sprint(newsMillion)
	shell := func(command string) []string {
		return []string{"sh", "-c", program + " nntp over " + newsPlain + " " + command + " > {OUT}/over"}
	}
	return workload{
		name:  "nntp-million",
		about: "overview of a million articles from a scripted server: look at the memory column",
		setup: newsHugeSetup,
		check: atLeastLines("{OUT}/over", newsMillion),
		peers: []peer{
			{"netclients over --json", shell("--json nntp://{NNTP_HUGE}/local.bench")},
			{"netclients over", shell("nntp://{NNTP_HUGE}/local.bench")},
			{"netclients sync --dry-run", []string{"sh", "-c", program + " sync --dry-run --json " + newsPlain + " nntp://{NNTP_HUGE}/local.bench mbox:{OUT}/box > {OUT}/over"}},
			{"netclients ls", []string{"sh", "-c", program + " ls " + newsPlain + " nntp://{NNTP_HUGE}/local.bench > {OUT}/over"}},
			{"floor: python, not parsed", []string{"sh", "-c", "python3 {PEERS}/nntp_floor.py {NNTP_HUGE_PORT} over " + count + " {OUT}/floor && yes | head -n " + count + " > {OUT}/over"}},
		},
	}
}

func newsHugeSetup(l *lab) error {
	address, err := scriptedNews(newsMillion)
	if err == nil {
		l.vars["NNTP_HUGE"], l.vars["NNTP_HUGE_PORT"] = address, address[strings.LastIndexByte(address, ':')+1:]
	}
	return err
}

func newsHugeSync() workload {
	return workload{
		name:  "nntp-million-sync",
		about: "a million small articles from a scripted server into a new mbox on a RAM disk: look at the memory column",
		setup: newsHugeSetup,
		check: enoughBytes(newsMillion * 150),
		peers: []peer{
			{"netclients sync", newsSync("nntp://{NNTP_HUGE}/local.bench", "mbox:{OUT}/box")},
		},
	}
}
