//go:build linux

package interop

import (
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/netclients/netclients/protocols"
)

// TestIMAPSets: sets of UIDs, with gaps left by removed messages.
func TestIMAPSets(t *testing.T) {
	c := imapClient(t, "IMAPS", "imaps", Alice, nil)
	ctx := t.Context()
	box := imapBox(t, c, "interop-sets")
	imapFill(t, c, box, 10)
	if err := c.Remove(ctx, box+";UID=4:5"); err != nil {
		t.Fatal(err)
	}
	for set, want := range map[string]string{"1:3": "0 1 2", "3:7": "2 5 6", "9:*": "8 9", "*": "9", "7,1,6": "0 5 6", "1:2,4": "0 1 -", "8:*/;SECTION=HEADER.FIELDS (SUBJECT)": "7 8 9"} {
		names, err := c.Messages(ctx, box+";UID="+set)
		if err != nil {
			t.Errorf("%s: %v", set, err)
			continue
		}
		var got []string
		err = c.BulkGet(ctx, names, func(_ string, o *protocols.Object, err error) error {
			if err != nil {
				got = append(got, "-")
				return nil
			}
			text, err := io.ReadAll(o.Body)
			_, text2, _ := strings.Cut(string(text), "Subject: message ")
			number, _, _ := strings.Cut(text2, "\r")
			got = append(got, number)
			return err
		})
		if err != nil || !slices.Equal(got, strings.Fields(want)) {
			t.Errorf("%s: %q, want %s: %v", set, got, want, err)
		}
	}
	for _, set := range []string{"4:5", "11:*"} {
		if _, err := c.Messages(ctx, box+";UID="+set); protocols.KindOf(err) != protocols.KindRefused {
			t.Errorf("%s: %v, want not found", set, err)
		}
	}
}
