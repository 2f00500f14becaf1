package tracecmd

import (
	"cmp"
	"fmt"

	"github.com/netclients/netclients/internal/cli/show"
	"github.com/netclients/netclients/internal/cli/trace"
)

// tell prints one change.
func tell(o *show.Output, c *trace.Change) error {
	if o.JSON {
		return o.Object(changeJSON{Change: c.What, Command: c.Command, ConnA: c.ConnA, ConnB: c.ConnB, LineA: c.AtA, LineB: c.AtB, A: c.A, B: c.B})
	}
	if o.Quiet {
		return nil
	}
	if err := o.Line(o.Paint.As(show.Bold, show.Safe(heading(c)))); err != nil {
		return err
	}
	sides := c.Sides()
	for i, s := range sides {
		if more := len(sides) - i; i == mostOneSided && more > 1 && c.What != trace.Changed && !o.Verbose {
			return o.Text(fmt.Sprintf("%c ... and %d more lines (-v prints them)", s.Mark, more))
		}
		if err := o.Line(o.Paint.As(sideColours[s.Mark], show.Safe(string(s.Mark)+" "+s.Line))); err != nil {
			return err
		}
	}
	return nil
}

// mostOneSided is how many lines of an exchange are printed that the other side has not.
const mostOneSided = 4

var sideColours = map[byte]string{'-': show.Red, '+': show.Green}

func heading(c *trace.Change) string {
	where := fmt.Sprintf("#%d", cmp.Or(c.ConnA, c.ConnB))
	if c.ConnA != 0 && c.ConnB != 0 && c.ConnA != c.ConnB {
		where += fmt.Sprintf(" and #%d", c.ConnB)
	}
	return fmt.Sprintf("@@ %s %s: %s", where, c.What, cmp.Or(c.Command, "before the first command"))
}

// end prints the sum.
func end(o *show.Output, sum trace.Summary) error {
	if o.JSON {
		return o.Object(summaryJSON{sum})
	}
	if o.Quiet {
		return nil
	}
	return o.Text(fmt.Sprintf("%d exchanges the same, %d changed, %d added, %d removed", sum.Same, sum.Changed, sum.Added, sum.Removed))
}
