"""From labelled numbers to a table: stressors, accounts beside, the last step."""
