package cli

import "fmt"

// didYouMean returns "; did you mean X?" for the nearest of the known words, or
// nothing when none is near: one slip in three letters. Of two that are as near the one
// with the same first letter is meant.
func didYouMean(word string, known []string) string {
	best, nearest := max(1, len(word)/3)+1, ""
	for _, k := range known {
		d := distance(word, k)
		nearer := d < best || d == best && nearest != "" && nearest[0] != word[0] && k[0] == word[0]
		if nearer && d < len(word) && d > 0 {
			best, nearest = d, k
		}
	}
	if nearest == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %s?", nearest)
}

// distance counts the letters to insert, delete, change or swap with a neighbour
// to make b of a.
func distance(a, b string) int {
	row := func() []int { return make([]int, len(b)+1) }
	before, prev, cur := row(), row(), row()
	for j := range prev {
		prev[j] = j
	}
	for i := range len(a) {
		cur[0] = i + 1
		for j := range len(b) {
			change := 1
			if a[i] == b[j] {
				change = 0
			}
			cur[j+1] = min(prev[j+1]+1, cur[j]+1, prev[j]+change)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				cur[j+1] = min(cur[j+1], before[j-1]+1)
			}
		}
		before, prev, cur = prev, cur, before
	}
	return prev[len(b)]
}
