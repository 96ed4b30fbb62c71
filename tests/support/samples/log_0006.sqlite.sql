BEGIN TRANSACTION;
CREATE TABLE tierwise_attempts (
	decision_id VARCHAR NOT NULL, 
	number INTEGER NOT NULL, 
	mode VARCHAR NOT NULL, 
	model VARCHAR NOT NULL, 
	status VARCHAR NOT NULL, 
	stop_reason VARCHAR, 
	error VARCHAR, 
	input_tokens BIGINT NOT NULL, 
	output_tokens BIGINT NOT NULL, 
	cache_read_tokens BIGINT NOT NULL, 
	cache_write_5m_tokens BIGINT NOT NULL, 
	cache_write_1h_tokens BIGINT NOT NULL, 
	thinking_tokens BIGINT NOT NULL, 
	cost_usd FLOAT NOT NULL, 
	check_cost_usd FLOAT NOT NULL, 
	cost_is_exact BOOLEAN NOT NULL, 
	n_requests INTEGER NOT NULL, 
	latency_ms FLOAT, 
	ended_at_us BIGINT NOT NULL, 
	PRIMARY KEY (decision_id, number), 
	FOREIGN KEY(decision_id) REFERENCES tierwise_decisions (decision_id) ON DELETE CASCADE
);
CREATE TABLE tierwise_counts (
	name VARCHAR NOT NULL, 
	body TEXT NOT NULL, 
	counted_at_us BIGINT NOT NULL, 
	PRIMARY KEY (name)
);
CREATE TABLE tierwise_decisions (
	decision_id VARCHAR NOT NULL, 
	task_type VARCHAR, 
	tier VARCHAR NOT NULL, 
	mode VARCHAR, 
	model VARCHAR, 
	reason VARCHAR, 
	fallback BOOLEAN, 
	confidence FLOAT, 
	propensity FLOAT, 
	model_version VARCHAR, 
	policy_fingerprint VARCHAR, 
	follows VARCHAR, 
	decided_at_us BIGINT NOT NULL, 
	recorded_at_us BIGINT NOT NULL, 
	text_stored VARCHAR NOT NULL, 
	specification TEXT, 
	facts JSON NOT NULL, 
	features JSON, 
	details JSON, 
	PRIMARY KEY (decision_id)
);
INSERT INTO "tierwise_decisions" VALUES('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa','meta-description','haiku','sync','claude-haiku-5-5','classifier',0,9.26917477178570647922e-01,1.0,'5609f0c33227','54426b709341c05f',NULL,1793525400000000,1793525400000000,'full','Write meta descriptions for 12 posts','{"items":12}',NULL,'{"plan":["haiku"],"reasons":["classifier"],"probabilities":{"haiku":0.9269174771785706,"sonnet":0.07110405203283957,"opus":0.0019784707885898032},"pass_probabilities":{"haiku":0.89898849068876,"sonnet":0.9637867270079766,"opus":0.9641963177057746},"expected_cost_usd":{"haiku":0.0024009,"sonnet":0.048018,"opus":0.096036},"expected_latency_ms":{"haiku":40600.0,"sonnet":69771.42857142857,"opus":98000.0},"return_to":null,"batch_wait_ceiling_s":null,"versions":{"tierwise":"0.1.0","ladder":"claude","model":"5609f0c33227"},"n_chars":36,"beliefs":{"guard":null,"history":false,"lambda_down":0.6,"lambda_up":0.395,"min_pass":0.6,"all_fail":null,"text":[0.9269174771785706,0.07110405203283957,0.0019784707885898032],"counts":null,"tiers":["haiku","sonnet","opus"],"place":[3.4060846593005083,2.9863971198576236,-2.8428538516222934],"fingerprint":"40f2ee485d65029c"},"unavailable":false}');
INSERT INTO "tierwise_decisions" VALUES('bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb','resize','haiku','none',NULL,'deterministic',0,0.0,1.0,'5609f0c33227','54426b709341c05f',NULL,1793525400000000,1793525400000000,'full','Resize the images','{"deterministic":true}',NULL,'{"plan":[],"reasons":["deterministic"],"probabilities":{"haiku":0.25,"sonnet":0.5,"opus":0.25},"pass_probabilities":{"haiku":0.6483310637265192,"sonnet":0.8336714655966454,"opus":0.9021702623254588},"expected_cost_usd":{},"expected_latency_ms":{},"return_to":null,"batch_wait_ceiling_s":null,"versions":{"tierwise":"0.1.0","ladder":"claude","model":"5609f0c33227"},"n_chars":17,"beliefs":{"guard":"too_short","history":false,"lambda_down":0.6,"lambda_up":0.395,"min_pass":0.6,"all_fail":null,"text":[0.25,0.5,0.25],"counts":null,"tiers":["haiku","sonnet","opus"],"place":[0.9986160174894019,1.3076495609066663,0.5477119034509279],"fingerprint":"40f2ee485d65029c"},"unavailable":false}');
INSERT INTO "tierwise_decisions" VALUES('cccccccccccccccccccccccccccccccc',NULL,'sonnet','sync','claude-sonnet-5-5','classifier',0,8.53000025889022128744e-01,1.0,'5609f0c33227','54426b709341c05f',NULL,1793525400000000,1793525400000000,'full','Draft the launch email','{}',NULL,'{"plan":["sonnet"],"reasons":["classifier"],"probabilities":{"haiku":0.030025076746618067,"sonnet":0.8530000258890221,"opus":0.11697489736435963},"pass_probabilities":{"haiku":0.3890426792230417,"sonnet":0.8894300115563984,"opus":0.9218009219004397},"expected_cost_usd":{"haiku":0.0002006,"sonnet":0.004012,"opus":0.008024},"expected_latency_ms":{"haiku":3933.3333333333335,"sonnet":6914.285714285715,"opus":10000.0},"return_to":null,"batch_wait_ceiling_s":null,"versions":{"tierwise":"0.1.0","ladder":"claude","model":"5609f0c33227"},"n_chars":22,"beliefs":{"guard":null,"history":false,"lambda_down":0.6,"lambda_up":0.395,"min_pass":0.6,"all_fail":null,"text":[0.030025076746618067,0.8530000258890221,0.11697489736435963],"counts":null,"tiers":["haiku","sonnet","opus"],"place":[-0.5737464298615305,4.009892801248929,-0.06279574090955231],"fingerprint":"40f2ee485d65029c"},"unavailable":false}');
CREATE TABLE tierwise_outcomes (
	outcome_id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	decision_id VARCHAR NOT NULL, 
	task_type VARCHAR, 
	tier VARCHAR, 
	verdict VARCHAR NOT NULL, 
	basis VARCHAR NOT NULL, 
	at_us BIGINT NOT NULL, 
	recorded_at_us BIGINT NOT NULL, 
	note TEXT, 
	is_effective BOOLEAN NOT NULL, 
	FOREIGN KEY(decision_id) REFERENCES tierwise_decisions (decision_id) ON DELETE CASCADE
);
INSERT INTO "tierwise_outcomes" VALUES(1,'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa','meta-description','haiku','clean','check',1793525400000000,1793525400000000,'Prüfung ✓',0);
INSERT INTO "tierwise_outcomes" VALUES(2,'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa','meta-description','haiku','corrected','person',1793525400000000,1793525400000000,NULL,1);
INSERT INTO "tierwise_outcomes" VALUES(3,'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa','meta-description','haiku','clean','downstream',1793525400000000,1793525400000000,NULL,0);
INSERT INTO "tierwise_outcomes" VALUES(4,'bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb','resize',NULL,'failed','person',1793525400000000,1793525400000000,NULL,1);
CREATE TABLE tierwise_policies (
	fingerprint VARCHAR NOT NULL, 
	body JSON NOT NULL, 
	PRIMARY KEY (fingerprint)
);
INSERT INTO "tierwise_policies" VALUES('54426b709341c05f','{"policy":{"max_under_tier":0.05,"lambda_down":null,"lambda_up":null,"correction_minutes":null,"hourly_rate_usd":null,"correction_minutes_by_type":{},"check_false_pass":0.02,"check_false_fail":0.01,"check_cost_usd":0.0,"batch_over_items":20,"batch_wait_ceiling_s":86400.0,"many_items_over":10,"default_output_tokens":400,"probe_budget":0.0,"probe_max_per_day":null},"ladder":{"name":"claude","unit":"token","rungs":[{"tier":"haiku","model":"claude-haiku-5-5","prices":[{"input":0.1,"output":0.5,"up_to_prompt_tokens":100000,"cache_read":0.01,"cache_write_5m":0.125,"cache_write_1h":0.2,"batch_input":0.05,"batch_output":0.25},{"input":0.5,"output":2.5,"up_to_prompt_tokens":null,"cache_read":0.05,"cache_write_5m":0.625,"cache_write_1h":1.0,"batch_input":0.25,"batch_output":1.25}],"checked_on":"2026-11-24","source":"genai-prices 0.2.3 and litellm 1.110.2 (prices), anthropic 2.13.0 (model id)","role":"volume","line":"haiku","enabled":true,"context_window_tokens":1000000,"max_output_tokens":128000,"output_tokens_per_second":120,"first_token_ms":600,"accepts":["effort","thinking","structured_outputs"],"retires_on":null,"replaced_by":null},{"tier":"sonnet","model":"claude-sonnet-5-5","prices":[{"input":2.0,"output":10.0,"up_to_prompt_tokens":null,"cache_read":0.1,"cache_write_5m":2.5,"cache_write_1h":4.0,"batch_input":1.0,"batch_output":5.0}],"checked_on":"2026-11-24","source":"genai-prices 0.2.3 and litellm 1.110.2 (prices), anthropic 2.13.0 (model id)","role":"production","line":"sonnet","enabled":true,"context_window_tokens":1000000,"max_output_tokens":128000,"output_tokens_per_second":70,"first_token_ms":1200,"accepts":["effort","thinking","structured_outputs"],"retires_on":null,"replaced_by":null},{"tier":"opus","model":"claude-opus-5-5","prices":[{"input":4.0,"output":20.0,"up_to_prompt_tokens":null,"cache_read":0.2,"cache_write_5m":5.0,"cache_write_1h":8.0,"batch_input":2.0,"batch_output":10.0}],"checked_on":"2026-11-24","source":"genai-prices 0.2.3 and litellm 1.110.2 (prices), anthropic 2.13.0 (model id)","role":"strategy","line":"opus","enabled":true,"context_window_tokens":1000000,"max_output_tokens":128000,"output_tokens_per_second":50,"first_token_ms":2000,"accepts":["effort","thinking","structured_outputs"],"retires_on":null,"replaced_by":null}]}}');
CREATE TABLE tierwise_type_states (
	task_type VARCHAR NOT NULL, 
	model_version VARCHAR NOT NULL, 
	bucket BIGINT NOT NULL, 
	state BLOB NOT NULL, 
	n_outcomes INTEGER NOT NULL, 
	updated_at_us BIGINT NOT NULL, 
	PRIMARY KEY (task_type, model_version, bucket)
);
CREATE TABLE tierwise_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT tierwise_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "tierwise_version" VALUES('0006');
CREATE INDEX ix_tierwise_outcomes_decision_id ON tierwise_outcomes (decision_id);
CREATE INDEX ix_tierwise_outcomes_type ON tierwise_outcomes (task_type, is_effective, tier, verdict, at_us);
CREATE UNIQUE INDEX uq_tierwise_outcomes_effective ON tierwise_outcomes (decision_id) WHERE is_effective;
CREATE INDEX ix_tierwise_decisions_explored ON tierwise_decisions (reason, model_version, decided_at_us) WHERE reason IN ('probe', 'canary');
CREATE INDEX ix_tierwise_decisions_type ON tierwise_decisions (task_type, decided_at_us);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('tierwise_outcomes',4);
COMMIT;
