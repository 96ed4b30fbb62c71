SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET transaction_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;
SET default_tablespace = '';
SET default_table_access_method = heap;
CREATE TABLE public.tierwise_attempts (
    decision_id character varying NOT NULL,
    number integer NOT NULL,
    mode character varying NOT NULL,
    model character varying NOT NULL,
    status character varying NOT NULL,
    stop_reason character varying,
    error character varying,
    input_tokens bigint NOT NULL,
    output_tokens bigint NOT NULL,
    cache_read_tokens bigint NOT NULL,
    cache_write_5m_tokens bigint NOT NULL,
    cache_write_1h_tokens bigint NOT NULL,
    thinking_tokens bigint NOT NULL,
    cost_usd double precision NOT NULL,
    check_cost_usd double precision NOT NULL,
    cost_is_exact boolean NOT NULL,
    n_requests integer NOT NULL,
    latency_ms double precision,
    ended_at_us bigint NOT NULL
);
CREATE TABLE public.tierwise_counts (
    name character varying NOT NULL,
    body text NOT NULL,
    counted_at_us bigint NOT NULL
);
CREATE TABLE public.tierwise_decisions (
    decision_id character varying NOT NULL,
    task_type character varying,
    tier character varying NOT NULL,
    mode character varying,
    model character varying,
    reason character varying,
    fallback boolean,
    confidence double precision,
    propensity double precision,
    model_version character varying,
    policy_fingerprint character varying,
    follows character varying,
    decided_at_us bigint NOT NULL,
    recorded_at_us bigint NOT NULL,
    text_stored character varying NOT NULL,
    specification text,
    facts json NOT NULL,
    features json,
    details json
);
CREATE TABLE public.tierwise_outcomes (
    outcome_id bigint NOT NULL,
    decision_id character varying NOT NULL,
    task_type character varying,
    tier character varying,
    verdict character varying NOT NULL,
    basis character varying NOT NULL,
    at_us bigint NOT NULL,
    recorded_at_us bigint NOT NULL,
    note text,
    is_effective boolean NOT NULL
);
CREATE SEQUENCE public.tierwise_outcomes_outcome_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.tierwise_outcomes_outcome_id_seq OWNED BY public.tierwise_outcomes.outcome_id;
CREATE TABLE public.tierwise_policies (
    fingerprint character varying NOT NULL,
    body json NOT NULL
);
CREATE TABLE public.tierwise_type_states (
    task_type character varying NOT NULL,
    model_version character varying NOT NULL,
    bucket bigint NOT NULL,
    state bytea NOT NULL,
    n_outcomes integer NOT NULL,
    updated_at_us bigint NOT NULL
);
CREATE TABLE public.tierwise_version (
    version_num character varying(32) NOT NULL
);
ALTER TABLE ONLY public.tierwise_outcomes ALTER COLUMN outcome_id SET DEFAULT nextval('public.tierwise_outcomes_outcome_id_seq'::regclass);
INSERT INTO public.tierwise_decisions VALUES ('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 'meta-description', 'haiku', 'sync', 'claude-haiku-5-5', 'classifier', false, 0.9269174771785706, 1, '5609f0c33227', '54426b709341c05f', NULL, 1793525400000000, 1793525400000000, 'full', 'Write meta descriptions for 12 posts', '{"items":12}', NULL, '{"plan":["haiku"],"reasons":["classifier"],"probabilities":{"haiku":0.9269174771785706,"sonnet":0.07110405203283957,"opus":0.0019784707885898032},"pass_probabilities":{"haiku":0.89898849068876,"sonnet":0.9637867270079766,"opus":0.9641963177057746},"expected_cost_usd":{"haiku":0.0024009,"sonnet":0.048018,"opus":0.096036},"expected_latency_ms":{"haiku":40600.0,"sonnet":69771.42857142857,"opus":98000.0},"return_to":null,"batch_wait_ceiling_s":null,"versions":{"tierwise":"0.1.0","ladder":"claude","model":"5609f0c33227"},"n_chars":36,"beliefs":{"guard":null,"history":false,"lambda_down":0.6,"lambda_up":0.395,"min_pass":0.6,"all_fail":null,"text":[0.9269174771785706,0.07110405203283957,0.0019784707885898032],"counts":null,"tiers":["haiku","sonnet","opus"],"place":[3.4060846593005083,2.9863971198576236,-2.8428538516222934],"fingerprint":"40f2ee485d65029c"},"unavailable":false}');
INSERT INTO public.tierwise_decisions VALUES ('bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb', 'resize', 'haiku', 'none', NULL, 'deterministic', false, 0, 1, '5609f0c33227', '54426b709341c05f', NULL, 1793525400000000, 1793525400000000, 'full', 'Resize the images', '{"deterministic":true}', NULL, '{"plan":[],"reasons":["deterministic"],"probabilities":{"haiku":0.25,"sonnet":0.5,"opus":0.25},"pass_probabilities":{"haiku":0.6483310637265192,"sonnet":0.8336714655966454,"opus":0.9021702623254588},"expected_cost_usd":{},"expected_latency_ms":{},"return_to":null,"batch_wait_ceiling_s":null,"versions":{"tierwise":"0.1.0","ladder":"claude","model":"5609f0c33227"},"n_chars":17,"beliefs":{"guard":"too_short","history":false,"lambda_down":0.6,"lambda_up":0.395,"min_pass":0.6,"all_fail":null,"text":[0.25,0.5,0.25],"counts":null,"tiers":["haiku","sonnet","opus"],"place":[0.9986160174894019,1.3076495609066663,0.5477119034509279],"fingerprint":"40f2ee485d65029c"},"unavailable":false}');
INSERT INTO public.tierwise_decisions VALUES ('cccccccccccccccccccccccccccccccc', NULL, 'sonnet', 'sync', 'claude-sonnet-5-5', 'classifier', false, 0.8530000258890221, 1, '5609f0c33227', '54426b709341c05f', NULL, 1793525400000000, 1793525400000000, 'full', 'Draft the launch email', '{}', NULL, '{"plan":["sonnet"],"reasons":["classifier"],"probabilities":{"haiku":0.030025076746618067,"sonnet":0.8530000258890221,"opus":0.11697489736435963},"pass_probabilities":{"haiku":0.3890426792230417,"sonnet":0.8894300115563984,"opus":0.9218009219004397},"expected_cost_usd":{"haiku":0.0002006,"sonnet":0.004012,"opus":0.008024},"expected_latency_ms":{"haiku":3933.3333333333335,"sonnet":6914.285714285715,"opus":10000.0},"return_to":null,"batch_wait_ceiling_s":null,"versions":{"tierwise":"0.1.0","ladder":"claude","model":"5609f0c33227"},"n_chars":22,"beliefs":{"guard":null,"history":false,"lambda_down":0.6,"lambda_up":0.395,"min_pass":0.6,"all_fail":null,"text":[0.030025076746618067,0.8530000258890221,0.11697489736435963],"counts":null,"tiers":["haiku","sonnet","opus"],"place":[-0.5737464298615305,4.009892801248929,-0.06279574090955231],"fingerprint":"40f2ee485d65029c"},"unavailable":false}');
INSERT INTO public.tierwise_outcomes VALUES (1, 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 'meta-description', 'haiku', 'clean', 'check', 1793525400000000, 1793525400000000, 'Prüfung ✓', false);
INSERT INTO public.tierwise_outcomes VALUES (2, 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 'meta-description', 'haiku', 'corrected', 'person', 1793525400000000, 1793525400000000, NULL, true);
INSERT INTO public.tierwise_outcomes VALUES (3, 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 'meta-description', 'haiku', 'clean', 'downstream', 1793525400000000, 1793525400000000, NULL, false);
INSERT INTO public.tierwise_outcomes VALUES (4, 'bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb', 'resize', NULL, 'failed', 'person', 1793525400000000, 1793525400000000, NULL, true);
INSERT INTO public.tierwise_policies VALUES ('54426b709341c05f', '{"policy":{"max_under_tier":0.05,"lambda_down":null,"lambda_up":null,"correction_minutes":null,"hourly_rate_usd":null,"correction_minutes_by_type":{},"check_false_pass":0.02,"check_false_fail":0.01,"check_cost_usd":0.0,"batch_over_items":20,"batch_wait_ceiling_s":86400.0,"many_items_over":10,"default_output_tokens":400,"probe_budget":0.0,"probe_max_per_day":null},"ladder":{"name":"claude","unit":"token","rungs":[{"tier":"haiku","model":"claude-haiku-5-5","prices":[{"input":0.1,"output":0.5,"up_to_prompt_tokens":100000,"cache_read":0.01,"cache_write_5m":0.125,"cache_write_1h":0.2,"batch_input":0.05,"batch_output":0.25},{"input":0.5,"output":2.5,"up_to_prompt_tokens":null,"cache_read":0.05,"cache_write_5m":0.625,"cache_write_1h":1.0,"batch_input":0.25,"batch_output":1.25}],"checked_on":"2026-11-24","source":"genai-prices 0.2.3 and litellm 1.110.2 (prices), anthropic 2.13.0 (model id)","role":"volume","line":"haiku","enabled":true,"context_window_tokens":1000000,"max_output_tokens":128000,"output_tokens_per_second":120,"first_token_ms":600,"accepts":["effort","thinking","structured_outputs"],"retires_on":null,"replaced_by":null},{"tier":"sonnet","model":"claude-sonnet-5-5","prices":[{"input":2.0,"output":10.0,"up_to_prompt_tokens":null,"cache_read":0.1,"cache_write_5m":2.5,"cache_write_1h":4.0,"batch_input":1.0,"batch_output":5.0}],"checked_on":"2026-11-24","source":"genai-prices 0.2.3 and litellm 1.110.2 (prices), anthropic 2.13.0 (model id)","role":"production","line":"sonnet","enabled":true,"context_window_tokens":1000000,"max_output_tokens":128000,"output_tokens_per_second":70,"first_token_ms":1200,"accepts":["effort","thinking","structured_outputs"],"retires_on":null,"replaced_by":null},{"tier":"opus","model":"claude-opus-5-5","prices":[{"input":4.0,"output":20.0,"up_to_prompt_tokens":null,"cache_read":0.2,"cache_write_5m":5.0,"cache_write_1h":8.0,"batch_input":2.0,"batch_output":10.0}],"checked_on":"2026-11-24","source":"genai-prices 0.2.3 and litellm 1.110.2 (prices), anthropic 2.13.0 (model id)","role":"strategy","line":"opus","enabled":true,"context_window_tokens":1000000,"max_output_tokens":128000,"output_tokens_per_second":50,"first_token_ms":2000,"accepts":["effort","thinking","structured_outputs"],"retires_on":null,"replaced_by":null}]}}');
INSERT INTO public.tierwise_version VALUES ('0006');
SELECT pg_catalog.setval('public.tierwise_outcomes_outcome_id_seq', 4, true);
ALTER TABLE ONLY public.tierwise_attempts
    ADD CONSTRAINT tierwise_attempts_pkey PRIMARY KEY (decision_id, number);
ALTER TABLE ONLY public.tierwise_counts
    ADD CONSTRAINT tierwise_counts_pkey PRIMARY KEY (name);
ALTER TABLE ONLY public.tierwise_decisions
    ADD CONSTRAINT tierwise_decisions_pkey PRIMARY KEY (decision_id);
ALTER TABLE ONLY public.tierwise_outcomes
    ADD CONSTRAINT tierwise_outcomes_pkey PRIMARY KEY (outcome_id);
ALTER TABLE ONLY public.tierwise_policies
    ADD CONSTRAINT tierwise_policies_pkey PRIMARY KEY (fingerprint);
ALTER TABLE ONLY public.tierwise_type_states
    ADD CONSTRAINT tierwise_type_states_pkey PRIMARY KEY (task_type, model_version, bucket);
ALTER TABLE ONLY public.tierwise_version
    ADD CONSTRAINT tierwise_version_pkc PRIMARY KEY (version_num);
CREATE INDEX ix_tierwise_decisions_explored ON public.tierwise_decisions USING btree (reason, model_version, decided_at_us) WHERE ((reason)::text = ANY ((ARRAY['probe'::character varying, 'canary'::character varying])::text[]));
CREATE INDEX ix_tierwise_decisions_type ON public.tierwise_decisions USING btree (task_type, decided_at_us);
CREATE INDEX ix_tierwise_outcomes_decision_id ON public.tierwise_outcomes USING btree (decision_id);
CREATE INDEX ix_tierwise_outcomes_type ON public.tierwise_outcomes USING btree (task_type, is_effective, tier, verdict, at_us);
CREATE UNIQUE INDEX uq_tierwise_outcomes_effective ON public.tierwise_outcomes USING btree (decision_id) WHERE is_effective;
ALTER TABLE ONLY public.tierwise_attempts
    ADD CONSTRAINT tierwise_attempts_decision_id_fkey FOREIGN KEY (decision_id) REFERENCES public.tierwise_decisions(decision_id) ON DELETE CASCADE;
ALTER TABLE ONLY public.tierwise_outcomes
    ADD CONSTRAINT tierwise_outcomes_decision_id_fkey FOREIGN KEY (decision_id) REFERENCES public.tierwise_decisions(decision_id) ON DELETE CASCADE;
