"""From labelled numbers to a table: stressors, separate accounts, the last step."""
