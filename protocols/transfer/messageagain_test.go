package transfer_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/lab/labtest"
	"github.com/netclients/netclients/protocols/nntp"
	"github.com/netclients/netclients/protocols/transfer"
)

// TestMessagesListedAgain: a message that is listed twice, or an article with a second
// number, is stored once, and does not keep the others from being stored.
func TestMessagesListedAgain(t *testing.T) {
	for name, overview := range map[string][][2]int{
		"same number":      {{1, 1}, {2, 2}, {2, 2}, {3, 3}, {4, 4}},
		"same number last": {{1, 1}, {2, 2}, {3, 3}, {4, 4}, {4, 4}},
		"second number":    {{1, 1}, {2, 2}, {3, 2}, {4, 3}, {5, 4}},
		"far apart":        {{1, 1}, {2, 2}, {3, 3}, {4, 4}, {5, 1}},
	} {
		t.Run(name, func(t *testing.T) {
			ids, lines := map[string]int{}, ""
			for _, n := range overview {
				ids[fmt.Sprint(n[0])] = n[1]
				lines += fmt.Sprintf("%d\ts\ta@b\tMon, 02 Jan 2006 15:04:05 GMT\t<%d@n>\t\t60\t1\r\n", n[0], n[1])
			}
			address := labtest.Answer(t, "200 hello\r\n", func(line string) string {
				word, rest, _ := strings.Cut(line, " ")
				switch word {
				case "CAPABILITIES":
					return "101 x\r\nVERSION 2\r\nREADER\r\nOVER\r\n.\r\n"
				case "GROUP":
					return "211 5 1 5 g\r\n"
				case "OVER":
					return "224 x\r\n" + lines + ".\r\n"
				case "ARTICLE":
					return fmt.Sprintf("220 %s <%d@n>\r\nSubject: s\r\nMessage-ID: <%d@n>\r\n\r\nthe text of this one\r\n.\r\n", rest, ids[rest], ids[rest])
				}
				return "500 what\r\n"
			})
			text := "nntp://" + address + "/g"
			src := transfer.Endpoint{URL: text, Name: "g", Protocol: "nntp", Open: func() (protocols.Client, error) {
				u, err := protocols.ParseURL(text, "")
				if err != nil {
					return nil, err
				}
				return nntp.New(u, nil)
			}}
			dst := t.TempDir() + "/md"
			for run := range 2 {
				sum, err := transfer.SyncMessages(t.Context(), src, storeEnd(dst), nil, nil)
				if err != nil || sum.Failed != 0 || sum.Done != int64(4*(1-run)) {
					t.Errorf("run %d: %+v, %v", run, sum, err)
				}
			}
			if got := content(t, dst); len(got) != 4 {
				t.Errorf("%d messages were stored: %q", len(got), got)
			}
		})
	}
}
